// The viewer reads the document from the same origin and sends the calls there: nothing is loaded from elsewhere.
window.addEventListener('load', () => {
  if (!window.SwaggerUIBundle) return;
  window.ui = SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#api',
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
