import { inject } from 'vitest';

// `createTestApp` and the tests read this variable. Each test file of the project has a separate process.
const url = inject('postgresUrl');
if (url !== undefined) process.env.TEST_POSTGRES = url;
