// The times and numbers that all parts of the chaos test go by: short, so that minutes hold many windows.

export const nodeCount = 4;
export const frequencyS = 2;
export const windowMs = (frequencyS + 1) * 1_000;
export const timeoutMs = 1_000;
export const trustMs = 6_000;
export const graceMs = 300_000;
/** How soon a logout is known everywhere while Redis and the nodes are well. */
export const logoutReachMs = 1_000;
/** No request waits longer than this for Redis. */
export const storePatienceMs = 50;

/** The first failing calls are tried again after 1, 2, 4 s …: when the last of them is, for an outage of AM of this length. */
export const afterOutageMs = (outageMs) => 2 * outageMs + 3_000;
