// Reads {action, parameters} a line, writes {body} or {code, message} a line, one after another.
const readline = require("node:readline");

module.exports = function bridge(call) {
  const lines = readline.createInterface({ input: process.stdin });
  let last = Promise.resolve();
  const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");
  lines.on("line", (line) => {
    const { action, parameters } = JSON.parse(line);
    last = last.then(() => call(action, parameters)).then(
      (body) => answer({ body }),
      (error) => answer({ code: String(error.code ?? error.name), message: String(error.message) }),
    );
  });
};
