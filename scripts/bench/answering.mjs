// The side of a process of the bench that is asked: one answer for each question, over the channel to its parent.

/** @param handlers by the name of the question */
export function answer(handlers) {
  process.on('message', ({ id, question, argument }) => {
    const handler = handlers[question];
    if (!handler) return;
    Promise.resolve(argument)
      .then(handler)
      .then(
        (result) => process.send({ id, result }),
        (error) => process.send({ id, error: String(error?.stack ?? error) }),
      );
  });
}

/** It ends with the bench. */
export function endWithParent() {
  process.once('disconnect', () => process.exit());
}

/** To the bench, or by hand to the terminal. */
export function tell(figures) {
  if (process.send) process.send(figures);
  else console.log(figures);
}
