/// The page that lists the operations of `openapi.json` and calls them. It needs nothing from another server.
enum OpenAPIPage {
    /// The page with a title, which may have any text. The nonce is the word that lets the page's own script and style run.
    static func html(title: String, nonce: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(title))</title>
        <style nonce="\(nonce)">\(style)</style>
        </head>
        <body>
        <header>
        <h1>\(escaped(title))</h1>
        <p id="about"></p>
        <label>Authorization <input id="authorization" autocomplete="off" placeholder="Bearer …"></label>
        <label>Find <input id="find" type="search"></label>
        <a href="openapi.json">openapi.json</a>
        </header>
        <main id="operations"><p>Reading openapi.json …</p></main>
        <noscript>This page needs JavaScript. openapi.json has the same content.</noscript>
        <script nonce="\(nonce)">\(script)</script>
        </body>
        </html>

        """
    }

    /// Text for HTML.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    private static let style = """

        :root { color-scheme: light dark; --line: #8884; --quiet: #8881; --accent: light-dark(#0a58ca, #78aaff) }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
        h1 { margin: 0 } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
        header label { margin-right: 1rem }
        .text { white-space: pre-wrap; margin: .3rem 0 }
        code, pre, .mono { font: 13px/1.5 ui-monospace, monospace }
        details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .7rem }
        summary { cursor: pointer } summary b { display: inline-block; min-width: 4.2rem; color: var(--accent) }
        summary span { opacity: .75; margin-left: .7rem } .deprecated code { text-decoration: line-through }
        table { border-collapse: collapse; width: 100%; margin: .4rem 0 }
        td, th { text-align: left; vertical-align: top; padding: .2rem .5rem .2rem 0 }
        input, textarea, select, button { font: inherit; color: inherit; background: var(--quiet); padding: .2rem .4rem;
          border: 1px solid var(--line); border-radius: 4px }
        textarea { font: 13px/1.5 ui-monospace, monospace; width: 100%; min-height: 8rem; box-sizing: border-box }
        button { cursor: pointer; margin-right: .5rem }
        pre { background: var(--quiet); padding: .6rem; border-radius: 4px; overflow: auto; max-height: 30rem;
          white-space: pre-wrap; overflow-wrap: anywhere }

        """

    /// Text goes into the page as text only, never as HTML.
    private static let script = #"""

        "use strict";
        const make = (name, properties = {}, ...children) => {
          const element = Object.assign(document.createElement(name), properties);
          element.append(...children);
          return element;
        };
        const byId = (id) => document.getElementById(id);
        const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        let description = {};

        const resolve = (schema) => {
          const name = schema && schema.$ref && schema.$ref.split("/").pop();
          return name ? description.components.schemas[name] || {} : schema || {};
        };
        const typeName = (schema) => {
          if (!schema) return "any";
          if (schema.$ref) return schema.$ref.split("/").pop();
          if (schema.anyOf) return [...new Set(schema.anyOf.map(typeName))].join(" or ");
          if (schema.type === "array") return typeName(schema.items) + "[]";
          if (schema.type === "object" && typeof schema.additionalProperties === "object")
            return "map of " + typeName(schema.additionalProperties);
          return [].concat(schema.type || "any").join(" or ") + (schema.format ? " (" + schema.format + ")" : "");
        };
        // A value of a schema, to begin with.
        const example = (schema, seen = []) => {
          if (schema && schema.$ref && seen.includes(schema.$ref)) return undefined;
          const inner = schema && schema.$ref ? seen.concat(schema.$ref) : seen;
          const found = resolve(schema);
          if (found.examples) return found.examples[0];
          if (found.enum) return found.enum[0];
          if (found.anyOf) return example(found.anyOf[0], inner);
          const type = [].concat(found.type)[0];
          if (type === "object") {
            const value = {};
            for (const [name, property] of Object.entries(found.properties || {})) {
              const part = example(property, inner);
              if (part !== undefined) value[name] = part;
            }
            return value;
          }
          if (type === "array") {
            const item = example(found.items, inner);
            return item === undefined ? [] : [item];
          }
          if (type === "integer" || type === "number") return found.minimum || 0;
          if (type === "boolean") return false;
          if (type === "string") return /int64/.test(found.format) ? "0" : "";
          return null;
        };

        const inputFor = (schema) => {
          const found = resolve(schema);
          const values = found.enum || (found.type === "boolean" ? ["true", "false"] : null);
          if (!values) return make("input", { autocomplete: "off", placeholder: found.type === "array" ? "one, two" : "" });
          const select = make("select", {}, make("option", { value: "" }, "–"));
          for (const value of values) select.append(make("option", { value }, String(value)));
          return select;
        };

        const target = (path, inputs) => {
          const query = new URLSearchParams();
          for (const { parameter, input } of inputs) {
            const text = input.value;
            const schema = resolve(parameter.schema);
            if (parameter.in === "path") {
              const isLong = /slashes/.test(parameter.description || "");
              const value = isLong ? text.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(text);
              path = path.replace("{" + parameter.name + "}", () => value);
            } else if (text !== "" && parameter.in === "query") {
              if (parameter.style === "deepObject") {
                for (const pair of text.split(",")) {
                  const [key, ...rest] = pair.split("=");
                  query.append(parameter.name + "[" + key.trim() + "]", rest.join("=").trim());
                }
              } else if (schema.type === "array") {
                for (const item of text.split(",")) query.append(parameter.name, item.trim());
              } else {
                query.append(parameter.name, text);
              }
            }
          }
          const text = query.toString();
          return path + (text ? "?" + text : "");
        };

        const pretty = (text, type) => {
          if (!/^application\/json/.test(type)) return text;
          try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
        };

        const call = async (method, path, inputs, body, bodyType, accept, output, signal) => {
          const headers = {};
          if (byId("authorization").value) headers.authorization = byId("authorization").value;
          if (accept && accept.value) headers.accept = accept.value;
          if (body) headers["content-type"] = bodyType;
          for (const { parameter, input } of inputs)
            if (parameter.in === "header" && input.value) headers[parameter.name] = input.value;
          const address = target(path, inputs);
          const begin = performance.now();
          output.hidden = false;
          output.textContent = method.toUpperCase() + " " + address + "\n…";
          try {
            const response = await fetch(address, { method: method.toUpperCase(), headers, body: body && body.value, signal });
            const type = response.headers.get("content-type") || "";
            const head = method.toUpperCase() + " " + address + "\n" + response.status + " " + response.statusText + "  " + type
              + "  " + Math.round(performance.now() - begin) + " ms\n\n";
            let text = "";
            const decoder = new TextDecoder();
            const reader = response.body && response.body.getReader();
            while (reader) {
              const { done, value } = await reader.read();
              if (done) break;
              text = (text + decoder.decode(value, { stream: true })).slice(-1000000);
              output.textContent = head + text;
            }
            output.textContent = head + pretty(text, type);
          } catch (error) {
            output.textContent += "\n" + error;
          }
        };

        const parameterTable = (parameters, inputs) => {
          const table = make("table");
          for (const parameter of parameters) {
            const input = inputFor(parameter.schema);
            inputs.push({ parameter, input });
            table.append(make("tr", {},
              make("td", {}, make("code", {}, parameter.name), parameter.required ? " *" : ""),
              make("td", { className: "mono" }, parameter.in + ", " + typeName(parameter.schema)),
              make("td", {}, input),
              make("td", { className: "text" }, parameter.description || "")));
          }
          return table;
        };

        const fields = (schema) => {
          const found = resolve(schema);
          const table = make("table");
          for (const [name, property] of Object.entries(found.properties || {})) {
            table.append(make("tr", {},
              make("td", {}, make("code", {}, name), (found.required || []).includes(name) ? " *" : ""),
              make("td", { className: "mono" }, typeName(property)),
              make("td", { className: "text" }, property.description || "")));
          }
          return table;
        };

        const operation = (path, method, value) => {
          const inputs = [];
          const parts = [];
          if (value.description) parts.push(make("p", { className: "text" }, value.description));
          if (value.parameters) parts.push(parameterTable(value.parameters, inputs));
          let body = null;
          let bodyType = "application/json";
          if (value.requestBody) {
            const [type, media] = Object.entries(value.requestBody.content)[0];
            bodyType = type === "*/*" ? "application/octet-stream" : type;
            body = make("textarea", { spellcheck: false });
            if (media.schema) {
              parts.push(fields(media.schema));
              body.value = JSON.stringify(example(media.schema), null, 2);
            }
            parts.push(body);
          }
          const statuses = Object.keys(value.responses);
          const success = statuses.find((status) => status.startsWith("2")) || statuses[0];
          const types = Object.entries(value.responses[success].content || {});
          const accept = types.length > 1 ? make("select") : null;
          for (const [type] of types) if (accept) accept.append(make("option", { value: type }, type));
          const output = make("pre", { hidden: true });
          let running = null;
          const send = make("button", { onclick: () => {
            if (running) running.abort();
            running = new AbortController();
            call(method, path, inputs, body, bodyType, accept, output, running.signal);
          } }, "Call");
          const stop = make("button", { onclick: () => running && running.abort() }, "Stop");
          parts.push(make("p", {}, send, ...(accept ? [stop, accept] : [])), output);
          if (types[0] && types[0][1].schema)
            parts.push(make("p", {}, "Response: ", make("code", {}, typeName(types[0][1].schema))), fields(types[0][1].schema));
          const element = make("details", { className: value.deprecated ? "deprecated" : "" },
            make("summary", {}, make("b", {}, method.toUpperCase()), make("code", {}, path),
              make("span", {}, value.summary || value.operationId)),
            ...parts);
          element.dataset.text = [method, path, value.operationId, value.summary].join(" ").toLowerCase();
          return element;
        };

        const show = () => {
          const main = byId("operations");
          main.replaceChildren();
          byId("about").textContent = description.info.version;
          for (const tag of description.tags) {
            const section = make("section", {}, make("h2", {}, tag.name));
            if (tag.description) section.append(make("p", { className: "text" }, tag.description));
            for (const [path, item] of Object.entries(description.paths))
              for (const method of methods)
                if (item[method] && item[method].tags[0] === tag.name)
                  section.append(operation(path, method, item[method]));
            main.append(section);
          }
          if (!description.tags.length) main.append(make("p", {}, "There are no operations."));
        };

        byId("find").addEventListener("input", (event) => {
          const text = event.target.value.toLowerCase();
          for (const element of document.querySelectorAll("details")) element.hidden = !element.dataset.text.includes(text);
        });
        fetch("openapi.json").then((response) => response.json()).then((value) => { description = value; show(); })
          .catch((error) => byId("operations").replaceChildren(make("p", {}, "openapi.json cannot be read: " + error)));

        """#
}
