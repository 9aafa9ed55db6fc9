// @alicloud/vpc20160428: ACS3-HMAC-SHA256; its answers' types are strict.
const vpc = require("@alicloud/vpc20160428");
const { $OpenApiUtil } = require("@alicloud/openapi-core");
const $dara = require("@darabonba/typescript");
const bridge = require("./bridge.js");

const [endpoint, key, secret] = process.argv.slice(2);
const client = new vpc.default(
  new $OpenApiUtil.Config({
    accessKeyId: key,
    accessKeySecret: secret,
    endpoint,
    protocol: "HTTP",
  }),
);
const options = new $dara.RuntimeOptions({ autoretry: false });
const lower = (name) => name[0].toLowerCase() + name.slice(1);

function typed(action, parameters) {
  const request = new vpc[`${action}Request`]();
  const wire = vpc[`${action}Request`].names();
  for (const field of Object.keys(wire)) {
    if (parameters[wire[field]] !== undefined) request[field] = parameters[wire[field]];
  }
  return client[`${lower(action)}WithOptions`](request, options).then((a) => a.body.toMap());
}

function generic(action, parameters) {
  const params = new $OpenApiUtil.Params({
    action, version: "2016-04-28", protocol: "HTTP", method: "POST", authType: "AK",
    style: "RPC", pathname: "/", reqBodyType: "json", bodyType: "json",
  });
  const query = Object.fromEntries(Object.entries(parameters).map(([k, v]) => [k, String(v)]));
  return client.callApi(params, new $OpenApiUtil.OpenApiRequest({ query }), options)
    .then((a) => a.body);
}

bridge((action, parameters) =>
  vpc[`${action}Request`] ? typed(action, parameters) : generic(action, parameters));
