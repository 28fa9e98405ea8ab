import { http } from "@google-cloud/functions-framework";

http("module", (request, response) => response.send(`module ${import.meta.url.split("/").pop()}`));
