// Results that are computed once for what comes again and again.

/** For what changes once in months: computed when another key is given. */
export function rememberLast<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}

/** Whoever makes up more of them costs us no more than this. */
const keysMax = 500;
const lengthMax = 64;

/**
 * For what there is some dozens of, such as the names of headers. Once there are 500, others are computed each time, and
 * those of more than 64 characters always.
 */
export function rememberFew<V>(compute: (key: string) => V): (key: string) => V {
  const values = new Map<string, V>();
  return (key) => {
    let value = values.get(key);
    if (value === undefined) {
      value = compute(key);
      if (values.size < keysMax && key.length <= lengthMax) values.set(key, value);
    }
    return value;
  };
}
