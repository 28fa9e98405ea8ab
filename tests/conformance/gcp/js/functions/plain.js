exports.background = (data, context, done) => {
  console.log(`background ${data.word} ${context.eventType}`);
  done();
};
exports.handle = (request, response) => response.send("plain");
