#!/usr/bin/env node
/** The `assent` command: `npm run -s assent -- …` in a checkout. */
import { main } from '../src/cli/commands.ts';

await main(process.argv);
