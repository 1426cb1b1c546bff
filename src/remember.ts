// Results that are computed once for what comes again and again.

/** For what changes once in months: computed when another key is given. */
export function rememberLast<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}

/** Whoever makes up names costs us no more than this. */
const namesMax = 500;
const lengthMax = 64;

/**
 * For the names of headers, of which there are some dozens. Once there are 500, others are computed each time, and those
 * of more than 64 characters always.
 */
export function rememberNames<V>(compute: (name: string) => V): (name: string) => V {
  const values = new Map<string, V>();
  return (name) => {
    let value = values.get(name);
    if (value === undefined) {
      value = compute(name);
      if (values.size < namesMax && name.length <= lengthMax) values.set(name, value);
    }
    return value;
  };
}
