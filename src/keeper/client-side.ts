// Client-side (stateless) sessions have no idle time at AM that a refresh could start anew.

/** Such a token ends in a JWT (AM's session guide, "Client-side sessions"). */
export function isClientSide(token: string): boolean {
  return token.includes('*eyJ');
}
