// @alicloud/pop-core: HMAC-SHA1, by GET with a query or by POST with a form body.
const { RPCClient } = require("@alicloud/pop-core");
const bridge = require("./bridge.js");

const [endpoint, method, key, secret] = process.argv.slice(2);
const client = new RPCClient({
  accessKeyId: key,
  accessKeySecret: secret,
  endpoint: `http://${endpoint}`,
  apiVersion: "2016-04-28",
});

bridge((action, parameters) => client.request(action, parameters, { method, timeout: 10000 }));
