/** Every route of the registry's API, in one list. */
import { disputeRoutes } from './dispute-routes.ts';
import { enquirerRoutes } from './enquirer-routes.ts';
import { enquiryRoutes } from './enquiry-routes.ts';
import { type FeedRoutesOptions, feedRoutes } from './feed-routes.ts';
import { identificationRoutes } from './identification-routes.ts';
import { identityRoutes } from './identity-routes.ts';
import type { Server } from './instance.ts';
import { mePages } from './me-pages.ts';
import { meRoutes } from './me-routes.ts';
import { portfolioRoutes } from './portfolio-routes.ts';
import { registryProofRoutes } from './proof-routes.ts';
import { type RegistryRoutesOptions, registryRoutes } from './registry-routes.ts';

/** Adds every route of the registry. */
export function registryApi(
  options: RegistryRoutesOptions & FeedRoutesOptions,
): (app: Server) => Promise<void> {
  const { registry } = options;
  return (app) => {
    registryRoutes(options)(app);
    enquirerRoutes(registry)(app);
    enquiryRoutes(registry)(app);
    portfolioRoutes(registry)(app);
    registryProofRoutes(registry)(app);
    feedRoutes(options)(app);
    identityRoutes(registry)(app);
    identificationRoutes(registry)(app);
    meRoutes(registry)(app);
    disputeRoutes(registry)(app);
    return mePages(registry)(app);
  };
}
