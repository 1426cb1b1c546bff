// Said once: what would otherwise stand in the log for every request.

/** Makes a question that is true the first time that it is asked for a key. */
export function createOnce(): (key: string) => boolean {
  const said = new Set<string>();
  return (key) => {
    const isFirst = !said.has(key);
    said.add(key);
    return isFirst;
  };
}
