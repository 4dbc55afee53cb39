import { inject } from 'vitest';

// `createTestApp` and the tests read it. Each test file of the project has a process of its own.
const url = inject('postgresUrl');
if (url !== undefined) process.env.TEST_POSTGRES = url;
