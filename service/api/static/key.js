// Sends the key that the user gave with each request of a page to its own service, and asks for one where it lacks.
// The key stays in this tab: it is in no URL, and is forgotten when the tab is closed.
(() => {
  "use strict";
  const PLACE = "fitd-key";
  const send = window.fetch.bind(window);

  const withKey = (request, key) => {
    if (!key || request.headers.has("Authorization")) return request;
    const headers = new Headers(request.headers);
    headers.set("Authorization", `Bearer ${key}`);
    return new Request(request, { headers });
  };

  window.fetch = async (resource, options) => {
    const request = new Request(resource, options);
    if (new URL(request.url).origin !== window.location.origin) return send(request);
    const again = request.clone();
    const answer = await send(withKey(request, window.sessionStorage.getItem(PLACE)));
    if (answer.status !== 401 || new URL(request.url).pathname !== "/openapi.json") return answer;
    const given = window.prompt("This service asks for a key. It is kept in this tab alone.", "");
    if (!given) return answer;
    window.sessionStorage.setItem(PLACE, given.trim());
    return send(withKey(again, given.trim()));
  };
})();
