/** Every route of the gateway's own API and every page for borrowers, in one list. */
import type { Gateway } from '../gateway/gateway.ts';
import { askingPages, isPageAddress, sendNoPage } from './asking-pages.ts';
import { askingRoutes } from './asking-routes.ts';
import { complianceRoutes } from './compliance-routes.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { lifeCycleRoutes } from './life-cycle-routes.ts';
import { gatewayProofRoutes } from './proof-routes.ts';
import type { ServerOptions } from './server.ts';
import { type WebhookRoutesOptions, webhookRoutes } from './webhook-routes.ts';

/**
 * What the gateway's server serves.
 * @param url where callers and borrowers reach it
 * @param webhooks the registry's keys, and what to call when it has news
 */
export function gatewayApi(
  gateway: Gateway,
  url: string,
  webhooks: Omit<WebhookRoutesOptions, 'gateway'>,
): Pick<ServerOptions, 'routes' | 'pages'> {
  return {
    routes: async (app) => {
      gatewayRoutes(gateway)(app);
      complianceRoutes(app, gateway);
      lifeCycleRoutes(gateway)(app);
      gatewayProofRoutes(gateway)(app);
      askingRoutes(gateway, url)(app);
      await webhookRoutes({ gateway, ...webhooks })(app);
      await askingPages(gateway)(app);
    },
    pages: { owns: isPageAddress, sendFailure: sendNoPage },
  };
}
