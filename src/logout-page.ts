// The page for a GET of /logout that nothing vouches for: one button, one POST.

/**
 * @param action path of the logout
 * @param goto where to go afterwards, one of the configured URLs
 */
export function logoutPage(action: string, goto: string | undefined): string {
  const target = goto === undefined ? action : `${action}?goto=${encodeURIComponent(goto)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign out</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 }
button { font: inherit; padding: .6em 1.6em }
</style>
</head>
<body>
<main>
<h1>Sign out?</h1>
<form method="post" action="${escapeHtml(target)}"><button type="submit" autofocus>Sign out</button></form>
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
