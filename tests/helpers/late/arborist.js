module.exports = require("./late").late("@npmcli/arborist");
