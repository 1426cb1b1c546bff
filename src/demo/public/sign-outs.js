// How a session may have ended, as the page says it: a title and a sentence. Nothing is said that is not known.

export const signOuts = {
  session_expired: [
    'AM has ended your session',
    'It was idle for too long, or its time was up. What a page does in the background is no activity of yours.',
  ],
  session_ended: [
    'You have signed out',
    'Your session has ended here and at AM, and all that was open has ended with it.',
  ],
  pending: ['You have signed out', 'AM does not answer. It is told as soon as it does.'],
  am_refused: [
    'You have signed out here',
    'AM refuses to be told: settings do not fit, the terminal says more. At AM the session lives until its own time-out.',
  ],
  untold: [
    'You have signed out here',
    'AM does not answer, and cannot be told later. There the session lives until its own time-out.',
  ],
  elsewhere: ['Your session has ended', 'You have signed out in another tab, or the cookie is gone.'],
  unreached: [
    'You are back from the login without a session',
    "If you did sign in there, AM's cookie did not come here:",
  ],
  first: ['See what AM is told of you', 'Sign in, then click, type, and wait.'],
};

/** Which of them the answer to a sign-out is. */
export function howSignedOut(status, { am, code }) {
  if (status < 400) return am === 'pending' ? 'pending' : 'session_ended';
  return code in signOuts ? code : 'untold';
}
