// A function for functions_framework_warm_up.js to try the framework out with.
exports.sample = (request, response) => response.send(JSON.stringify([request.query, request.body ?? null]));
