// Finds an operation on the page of OpenAPI, and calls it. `arguments` are the id of the user, and the function that takes the
// result.
const [id, done] = arguments;
const wait = (condition, then) => {
  const value = condition();
  if (value) then(value); else setTimeout(() => wait(condition, then), 20);
};
wait(() => document.querySelectorAll("details").length, () => {
  const operations = [...document.querySelectorAll("details")];
  const names = operations.map((each) => each.querySelector("summary").innerText.replace(/\s+/g, " "));
  const find = document.getElementById("find");
  find.value = "getuser";
  find.dispatchEvent(new Event("input"));
  const shown = operations.filter((each) => !each.hidden);
  shown[0].querySelector("input").value = id;
  shown[0].querySelector("button").click();
  const output = () => shown[0].querySelector("pre").textContent;
  wait(() => /\n\n/.test(output()) && output(), (text) => done({ names, shown: shown.length, text }));
});
