// What the user can do something about: said in one line, without a stack.

export class Failure extends Error {}
