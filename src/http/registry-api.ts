/** Every route of the registry's API, in one list. */
import { auditRoutes } from './audit-routes.ts';
import { disputeEntryRoutes } from './dispute-entry-routes.ts';
import { disputeRoutes } from './dispute-routes.ts';
import { enquirerRoutes } from './enquirer-routes.ts';
import { enquiryRoutes } from './enquiry-routes.ts';
import { evaluationRoutes } from './evaluation-routes.ts';
import { type FeedRoutesOptions, feedRoutes } from './feed-routes.ts';
import { furnishingRoutes } from './furnishing-routes.ts';
import { identificationRoutes } from './identification-routes.ts';
import { identityRoutes } from './identity-routes.ts';
import type { Server } from './instance.ts';
import { mePages } from './me-pages.ts';
import { meRoutes } from './me-routes.ts';
import { meScoreRoutes } from './me-score-routes.ts';
import { monitoringRoutes } from './monitoring-routes.ts';
import { portfolioRoutes } from './portfolio-routes.ts';
import { registryProofRoutes } from './proof-routes.ts';
import { type RegistryRoutesOptions, registryRoutes } from './registry-routes.ts';
import { scorecardRoutes } from './scorecard-routes.ts';

/** Adds every route of the registry. */
export function registryApi(
  options: RegistryRoutesOptions & FeedRoutesOptions,
): (app: Server) => Promise<void> {
  const { registry } = options;
  return (app) => {
    registryRoutes(options)(app);
    auditRoutes(registry)(app);
    enquirerRoutes(registry)(app);
    enquiryRoutes(registry)(app);
    portfolioRoutes(registry)(app);
    evaluationRoutes(registry)(app);
    furnishingRoutes(registry)(app);
    scorecardRoutes(registry)(app);
    monitoringRoutes(registry)(app);
    registryProofRoutes(registry)(app);
    feedRoutes(options)(app);
    identityRoutes(registry)(app);
    identificationRoutes(registry)(app);
    meRoutes(registry)(app);
    meScoreRoutes(registry)(app);
    disputeRoutes(registry)(app);
    disputeEntryRoutes(registry)(app);
    return mePages(registry)(app);
  };
}
