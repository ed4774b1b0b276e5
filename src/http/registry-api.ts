/** Every route of the registry's API, in one list. */
import { enquirerRoutes } from './enquirer-routes.ts';
import type { Server } from './instance.ts';
import { type RegistryRoutesOptions, registryRoutes } from './registry-routes.ts';

/** Adds every route of the registry. */
export function registryApi(options: RegistryRoutesOptions): (app: Server) => void {
  return (app) => {
    registryRoutes(options)(app);
    enquirerRoutes(options.registry)(app);
  };
}
