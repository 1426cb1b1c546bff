// What was logged, as objects: the lines of a recording logger, and those of the command among other output.

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** pino says `msg`, and the time: here it is `message`, and no time. */
export function logLines(output: readonly string[]): LogLine[] {
  return output
    .join('\n')
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => {
      const { msg, time: _time, ...fields } = JSON.parse(text) as LogLine & { msg?: string; time?: string };
      return msg === undefined ? fields : Object.assign(fields, { message: msg });
    });
}
