import { start } from '#framework/start';
import { services } from '#generated/services.ts';

await start({ services });
