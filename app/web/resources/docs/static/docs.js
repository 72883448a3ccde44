"use strict";
// The validator badge would send our address to another server.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#document", deepLinking: true, validatorUrl: null, persistAuthorization: false });
