// The calls of a page. Runs in the browser; `arguments` are the origin of the server, that of a server that allows no page,
// and the function that takes the results.
const [api, closed, done] = arguments;
const results = {};
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const users = `${api}/user.v1.UserService`;

const step = async (name, body) => {
  let timer;
  const limit = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("it took too long")), 20000); });
  try {
    results[name] = await Promise.race([body(), limit]);
  } catch (error) {
    results[name] = `failed: ${error.name}`;
  }
  clearTimeout(timer);
};

// A message behind its flags and its length, as Connect and gRPC-Web send it.
const frame = (bytes) => {
  const result = new Uint8Array(5 + bytes.length);
  new DataView(result.buffer).setUint32(1, bytes.length);
  result.set(bytes, 5);
  return result;
};

const frames = (bytes) => {
  const result = [];
  while (bytes.length >= 5) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    result.push([bytes[0], decoder.decode(bytes.subarray(5, 5 + length))]);
    bytes = bytes.subarray(5 + length);
  }
  return result;
};

const post = (address, type, body, headers = {}) =>
  fetch(address, { method: "POST", headers: { "content-type": type, ...headers }, body });
const bytesOf = async (response) => new Uint8Array(await response.arrayBuffer());

const grpcWeb = async (id) => {
  const response = await post(
    `${users}/GetUser`, "application/grpc-web+proto", frame(new Uint8Array([8, id])), { "x-grpc-web": "1" });
  const found = frames(await bytesOf(response));
  const trailers = found.find(([flags]) => flags === 0x80) || [0, ""];
  return [response.status, found.some(([, text]) => text.includes("Ada")), trailers[1].split("\r\n")[0]];
};

(async () => {
  await step("rest get", async () => {
    const response = await fetch(`${api}/v1/users/1`);
    return [response.status, (await response.json()).name];
  });
  await step("rest post", async () => {
    const response = await post(`${api}/v1/users`, "application/json", JSON.stringify({ name: "Eva" }));
    return [response.status, (await response.json()).name];
  });
  await step("rest error", async () => {
    const response = await fetch(`${api}/v1/users/9`);
    return [response.status, (await response.json()).reason];
  });
  await step("own route", async () => (await fetch(`${api}/own`)).text());
  await step("preflight", async () => {
    const response = await fetch(`${api}/v1/users/1`, { headers: { "connect-timeout-ms": "5000", authorization: "x" } });
    return response.status;
  });
  await step("refused preflight", async () =>
    (await post(`${closed}/v1/users`, "application/json", JSON.stringify({ name: "Mallory" }))).status);
  await step("refused response", async () => (await fetch(`${closed}/v1/users/1`)).status);

  await step("event source", () => new Promise((resolve, fail) => {
    const ids = [];
    const source = new EventSource(`${api}/v1/users?limit=3`);
    source.addEventListener("message", (event) => {
      ids.push(JSON.parse(event.data).id);
      if (ids.length === 3) {
        source.close();
        resolve(ids);
      }
    });
    source.onerror = fail;
  }));
  await step("web socket", () => new Promise((resolve, fail) => {
    const texts = [];
    const socket = new WebSocket(`${api.replace("http", "ws")}/v1/rooms/ada`);
    socket.onopen = () => socket.send(JSON.stringify({ id: "1" }));
    socket.onmessage = (event) => {
      texts.push(event.data);
      socket.send(texts.length < 3 ? JSON.stringify({ id: `${texts.length + 1}` }) : "\u001eend");
    };
    socket.onerror = fail;
    socket.onclose = (event) => resolve([texts.map((text) => JSON.parse(text).id), event.code, event.wasClean]);
  }));
  await step("refused web socket", () => new Promise((resolve) => {
    const socket = new WebSocket(`${closed.replace("http", "ws")}/user.v1.UserService/ListUsers`);
    socket.onopen = () => resolve("open");
    socket.onclose = (event) => resolve(event.code);
  }));

  await step("grpc-web", () => grpcWeb(1));
  await step("grpc-web error", () => grpcWeb(9));

  await step("connect json", async () => {
    const response = await post(`${users}/GetUser`, "application/json", `{"id":1}`, { "connect-protocol-version": "1" });
    return [response.status, (await response.json()).name];
  });
  await step("connect binary", async () => {
    const response = await post(`${users}/GetUser`, "application/proto", new Uint8Array([8, 1]));
    return [response.status, decoder.decode(await bytesOf(response)).includes("Ada")];
  });
  await step("connect error", async () => {
    const response = await post(`${users}/GetUser`, "application/json", `{"id":9}`);
    return [response.status, (await response.json()).code];
  });
  await step("connect stream", async () => {
    const response = await post(`${users}/ListUsers`, "application/connect+json", frame(encoder.encode("{}")));
    const found = frames(await bytesOf(response));
    return found.map(([flags, text]) => flags ? text : JSON.parse(text).id);
  });
  await step("connect stream that goes on", async () => {
    const stop = new AbortController();
    const response = await fetch(`${users}/WatchUsers`, {
      method: "POST", headers: { "content-type": "application/connect+json" }, body: frame(encoder.encode("{}")),
      signal: stop.signal,
    });
    const { value } = await response.body.getReader().read();
    stop.abort();
    return JSON.parse(frames(value)[0][1]).created.id;
  });
  done(results);
})();
