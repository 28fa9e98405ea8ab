module.exports = { sample: 1 };
