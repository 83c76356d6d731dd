"use strict";

SwaggerUIBundle({
  url: "/api/docs/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Without this, the page would send the document to a validator on another host.
  validatorUrl: null,
});
