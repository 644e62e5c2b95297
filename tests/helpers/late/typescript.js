module.exports = require("./late").late("typescript");
