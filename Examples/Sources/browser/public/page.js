const entries = document.getElementById("entries");
const state = document.getElementById("state");
const error = document.getElementById("error");

// The stream of Watch, by the path of its google.api.http option: server-sent events.
const events = new EventSource("/v1/entries:watch");
events.onopen = () => {
  entries.replaceChildren();
  state.textContent = "live: open this page in a second window";
};
events.onerror = () => {
  state.textContent = "the service is away; the browser tries again";
};
events.onmessage = ({data}) => {
  const {name, text} = JSON.parse(data);
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = name;
  item.append(author, ` ${text ?? ""}`);
  entries.prepend(item);
};

// A call by the Connect protocol: a POST with JSON, on a path that every method has.
async function call(method, message) {
  const response = await fetch(`/guestbook.v1.Guestbook/${method}`, {
    method: "POST",
    headers: {"content-type": "application/json", "connect-protocol-version": "1"},
    body: JSON.stringify(message),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  try {
    await call("Sign", Object.fromEntries(new FormData(form)));
    form.elements.text.value = "";
    error.textContent = "";
  } catch (failure) {
    error.textContent = failure.message;
  }
});

// For a first look: ?sign=Ada signs at once.
const guest = new URLSearchParams(location.search).get("sign");
if (guest) await call("Sign", {name: guest, text: "was here"});
