// Written by "npm run generate" from src/services; do not change it by hand.

export interface paths {
    "/auth/sessions/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your sessions */
        get: operations["auth.listSessions"];
        put?: never;
        /**
         * Log in
         * @description Many failures slow down further tries of the same address for the same account (429).
         */
        post: operations["auth.createSession"];
        /** Log out everywhere: end all your sessions */
        delete: operations["auth.endSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in: the same as POST /sessions/
         * @description Many failures slow down further tries of the same address for the same account (429).
         */
        post: operations["auth.logIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a new access token
         * @description Replaces the refresh token. The previous one works for 10 s, or with the `Idempotency-Key` of the request that replaced it. Any other use of an old one ends the session.
         */
        post: operations["auth.refreshSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Log out: end the session of the access token */
        delete: operations["auth.endCurrentSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one of your sessions */
        delete: operations["auth.endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/users/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users */
        get: operations["auth.listUsers"];
        put?: never;
        /**
         * Register
         * @description If the server sends mail, the response is always 202, and a mail says whether the address had an account. Otherwise it is 200 or 409.
         */
        post: operations["auth.registerUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change the scopes of a user, or block it */
        patch: operations["auth.updateUser"];
        trace?: never;
    };
    "/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read your user */
        get: operations["auth.readMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change your password, which ends your other sessions */
        put: operations["auth.changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/password-resets/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set a new password with the token of a mail, which ends all sessions */
        put: operations["auth.resetPassword"];
        /**
         * Order a mail with a link that sets a new password
         * @description The response is the same for an email without an account. The link works once, for 30 minutes.
         */
        post: operations["auth.requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the keys that verify access tokens */
        get: operations["auth.readKeySet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/.well-known/openid-configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the issuer and where its keys are */
        get: operations["auth.readDiscovery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read events in order, or wait for the next one
         * @description Send the id of the last event as `after` to read on. No event is skipped. An id stays a valid position after its event is deleted.
         */
        get: operations["auth.readEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the name of the service and the links to its documents */
        get: operations["auth.readService"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the process responds */
        get: operations["auth.checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the service can serve requests */
        get: operations["auth.checkReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/pets/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List pets: a page of all pets, or the pets with the given ids */
        get: operations["pet.listPets"];
        put?: never;
        /** Create a pet */
        post: operations["pet.createPet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/pets/{pet_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a pet */
        get: operations["pet.readPet"];
        put?: never;
        post?: never;
        /**
         * Delete a pet
         * @description Its id is never used again.
         */
        delete: operations["pet.deletePet"];
        options?: never;
        head?: never;
        /** Change the given fields of a pet */
        patch: operations["pet.updatePet"];
        trace?: never;
    };
    "/pet/pets/{pet_id}/hydrate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a pet water */
        post: operations["pet.hydratePet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/pets/{pet_id}/feed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a pet food */
        post: operations["pet.feedPet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/pets/{pet_id}/treat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a pet a treat, which excites it */
        post: operations["pet.treatPet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read events in order, or wait for the next one
         * @description Send the id of the last event as `after` to read on. No event is skipped. An id stays a valid position after its event is deleted.
         */
        get: operations["pet.readEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the name of the service and the links to its documents */
        get: operations["pet.readService"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the process responds */
        get: operations["pet.checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pet/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the service can serve requests */
        get: operations["pet.checkReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/user/users/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users, each with its pets */
        get: operations["user.listUsers"];
        put?: never;
        /** Create a user */
        post: operations["user.createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/user/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a user with its current pets */
        get: operations["user.readUser"];
        put?: never;
        post?: never;
        /**
         * Delete a user and its adoptions; the pets stay
         * @description Its id is never used again.
         */
        delete: operations["user.deleteUser"];
        options?: never;
        head?: never;
        /** Change the given fields of a user, all or none */
        patch: operations["user.updateUser"];
        trace?: never;
    };
    "/user/users/{user_id}/pets/{pet_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adopt a pet; a repeated adoption changes nothing */
        post: operations["user.adoptPet"];
        /** End an adoption; the pet stays */
        delete: operations["user.abandonPet"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/user/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the name of the service and the links to its documents */
        get: operations["user.readService"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/user/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the process responds */
        get: operations["user.checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/user/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the service can serve requests */
        get: operations["user.checkReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An error as in RFC 9457 */
        "auth.Problem": {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** Format: uri-reference */
            instance: string;
            errors?: {
                in: "body" | "path" | "query" | "header";
                pointer: string;
                detail: string;
            }[];
        };
        "auth.Credentials": {
            /** @example alice@example.com */
            email: string;
            /** @example three brown kettles */
            password: string;
        };
        "auth.UserCreate": {
            /** @example alice@example.com */
            email: string;
            /** @example three brown kettles */
            password: string;
        };
        "auth.User": {
            /** @example 1 */
            id: number;
            /** @example alice@example.com */
            email: string;
            /**
             * @example [
             *       "pet:read",
             *       "pet:write"
             *     ]
             */
            scopes: string[];
            blocked: boolean;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            created_at: string;
        };
        "auth.NewUser": {
            /** @example 1 */
            id: number;
            /** @example alice@example.com */
            email: string;
        };
        "auth.UserUpdate": {
            /**
             * @description Replaces the scopes; tokens have them from the next refresh on
             * @example [
             *       "pet:read",
             *       "pet:write"
             *     ]
             */
            scopes?: string[];
            /** @description A blocked user cannot log in; its sessions end */
            blocked?: boolean;
        };
        /** @description The outcome is in a mail */
        "auth.Accepted": {
            /** @enum {boolean} */
            accepted: true;
        };
        "auth.Tokens": {
            /** @description A JWT (RFC 9068) */
            access_token: string;
            /** @enum {string} */
            token_type: "Bearer";
            /**
             * @description Seconds
             * @example 600
             */
            expires_in: number;
            /** @description Each refresh replaces it */
            refresh_token: string;
            /** @example Zm9vYmFyYmF6cXV4cXV1eA */
            session_id: string;
        };
        "auth.RefreshToken": {
            refresh_token: string;
        };
        "auth.Session": {
            /** @example Zm9vYmFyYmF6cXV4cXV1eA */
            id: string;
            /** @description Whether the access token of the request belongs to it */
            is_current: boolean;
            /** @description The `user-agent` of the login */
            agent: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            refreshed_at: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            idle_ends_at: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            ends_at: string;
        };
        "auth.PasswordChange": {
            /** @example three brown kettles */
            old: string;
            /** @example three brown kettles */
            new: string;
        };
        "auth.ResetRequest": {
            /** @example alice@example.com */
            email: string;
        };
        "auth.PasswordReset": {
            /** @description From the link in the mail */
            token: string;
            /** @example three brown kettles */
            password: string;
        };
        "auth.KeySet": {
            keys: {
                /** @example EC */
                kty: string;
                /** @example P-256 */
                crv: string;
                x: string;
                y: string;
                kid: string;
                /** @example ES256 */
                alg: string;
                /** @example sig */
                use: string;
            }[];
        };
        "auth.Discovery": {
            /** @example auth */
            issuer: string;
            /** @example /auth/.well-known/jwks.json */
            jwks_uri: string;
            response_types_supported: string[];
            subject_types_supported: string[];
            id_token_signing_alg_values_supported: string[];
            access_token_signing_alg_values_supported: string[];
        };
        /** @description A CloudEvent of the type session.ended */
        "auth.SessionEndedEvent": {
            /** @enum {string} */
            specversion: "1.0";
            /**
             * @description Its position in the feed
             * @example k3f9a0b1-42
             */
            id: string;
            /** @enum {string} */
            source: "/auth";
            /** @enum {string} */
            type: "session.ended";
            /** @example 7 */
            subject: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            time: string;
            data: {
                /** @example Zm9vYmFyYmF6cXV4cXV1eA */
                session_id: string;
                /** @example 1 */
                user_id: number;
            };
            /** @description The trace of the request that caused it */
            traceparent?: string;
        };
        /** @description An error as in RFC 9457 */
        "pet.Problem": {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** Format: uri-reference */
            instance: string;
            errors?: {
                in: "body" | "path" | "query" | "header";
                pointer: string;
                detail: string;
            }[];
        };
        "pet.Pet": {
            /** @example Rex */
            name: string;
            /** @example dog */
            species: string;
            /**
             * @description In years; null if it is not known
             * @example 3
             */
            age: number | null;
            /** @example happy */
            mood: string;
            /** @example 1 */
            id: number;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            last_fed: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            last_interaction: string;
        };
        "pet.PetCreate": {
            /** @example Rex */
            name: string;
            /** @example dog */
            species: string;
            /**
             * @description In years; null if it is not known
             * @default null
             * @example 3
             */
            age?: number | null;
            /**
             * @default happy
             * @example happy
             */
            mood?: string;
        };
        "pet.PetUpdate": {
            /** @example Rex */
            name?: string;
            /** @example dog */
            species?: string;
            /**
             * @description In years; null if it is not known
             * @example 3
             */
            age?: number | null;
            /** @example happy */
            mood?: string;
        };
        /** @description A CloudEvent of the type pet.created */
        "pet.PetCreatedEvent": {
            /** @enum {string} */
            specversion: "1.0";
            /**
             * @description Its position in the feed
             * @example k3f9a0b1-42
             */
            id: string;
            /** @enum {string} */
            source: "/pet";
            /** @enum {string} */
            type: "pet.created";
            /** @example 7 */
            subject: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            time: string;
            data: components["schemas"]["pet.Pet"];
            /** @description The trace of the request that caused it */
            traceparent?: string;
        };
        /** @description A CloudEvent of the type pet.updated */
        "pet.PetUpdatedEvent": {
            /** @enum {string} */
            specversion: "1.0";
            /**
             * @description Its position in the feed
             * @example k3f9a0b1-42
             */
            id: string;
            /** @enum {string} */
            source: "/pet";
            /** @enum {string} */
            type: "pet.updated";
            /** @example 7 */
            subject: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            time: string;
            data: components["schemas"]["pet.Pet"];
            /** @description The trace of the request that caused it */
            traceparent?: string;
        };
        /** @description A CloudEvent of the type pet.deleted */
        "pet.PetDeletedEvent": {
            /** @enum {string} */
            specversion: "1.0";
            /**
             * @description Its position in the feed
             * @example k3f9a0b1-42
             */
            id: string;
            /** @enum {string} */
            source: "/pet";
            /** @enum {string} */
            type: "pet.deleted";
            /** @example 7 */
            subject: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            time: string;
            data: {
                /** @example 1 */
                id: number;
            };
            /** @description The trace of the request that caused it */
            traceparent?: string;
        };
        /** @description An error as in RFC 9457 */
        "user.Problem": {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** Format: uri-reference */
            instance: string;
            errors?: {
                in: "body" | "path" | "query" | "header";
                pointer: string;
                detail: string;
            }[];
        };
        "user.Pet": {
            /** @example Rex */
            name: string;
            /** @example dog */
            species: string;
            /** @example 3 */
            age: number | null;
            /** @example happy */
            mood: string;
            /** @example 1 */
            id: number;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            last_fed: string;
            /**
             * Format: date-time
             * @description UTC, with microseconds
             * @example 2024-12-18T21:03:51.790256Z
             */
            last_interaction: string;
        };
        "user.User": {
            /** @example Alice */
            name: string;
            /** @example 1 */
            id: number;
            /** @description In the order of adoption; deleted pets are not shown */
            pets: components["schemas"]["user.Pet"][];
        };
        "user.UserCreate": {
            /** @example Alice */
            name: string;
        };
        "user.UserUpdate": {
            /** @example Alice */
            name?: string;
            /**
             * @description Replaces the adoptions, in this order; a repeated id counts once; at most 1000
             * @example [
             *       1
             *     ]
             */
            pets_ids?: number[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description The scheme and what is wrong with the credential (RFC 6750) */
        "auth.www-authenticate": string;
        /** @description The id of the request in all of its log entries: the id that the client sent, or a new one */
        "auth.x-request-id": string;
        /** @description The number of seconds after which to retry */
        "auth.retry-after": string;
        /** @description With 405: the methods of the path */
        "auth.allow": string;
        /** @description The response to an earlier request with this key */
        "auth.idempotent-replayed": "true";
        /** @description The newest position of the feed */
        "auth.x-feed-newest": string;
        /** @description The scheme and what is wrong with the credential (RFC 6750) */
        "pet.www-authenticate": string;
        /** @description The id of the request in all of its log entries: the id that the client sent, or a new one */
        "pet.x-request-id": string;
        /** @description The number of seconds after which to retry */
        "pet.retry-after": string;
        /** @description With 405: the methods of the path */
        "pet.allow": string;
        /** @description The response to an earlier request with this key */
        "pet.idempotent-replayed": "true";
        /** @description The newest position of the feed */
        "pet.x-feed-newest": string;
        /** @description The scheme and what is wrong with the credential (RFC 6750) */
        "user.www-authenticate": string;
        /** @description The id of the request in all of its log entries: the id that the client sent, or a new one */
        "user.x-request-id": string;
        /** @description The number of seconds after which to retry */
        "user.retry-after": string;
        /** @description With 405: the methods of the path */
        "user.allow": string;
        /** @description The response to an earlier request with this key */
        "user.idempotent-replayed": "true";
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "auth.listSessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sessions, the oldest first */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Session"][];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.createSession": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.Credentials"];
            };
        };
        responses: {
            /** @description The session and its tokens */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Tokens"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:login-failed",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "The email or the password is wrong",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/sessions/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:hashes-busy",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "Too many passwords are being checked",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.endSessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item is deleted */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.logIn": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.Credentials"];
            };
        };
        responses: {
            /** @description The session and its tokens */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Tokens"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:login-failed",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "The email or the password is wrong",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/login",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:hashes-busy",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "Too many passwords are being checked",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/login"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.refreshSession": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.RefreshToken"];
            };
        };
        responses: {
            /** @description The new tokens */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Tokens"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:refresh-failed",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "The refresh token is not valid: log in again",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/sessions/refresh",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/refresh"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.endCurrentSession": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item is deleted */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/sessions/current"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/sessions/current"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:session-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Session not found",
                     *       "instance": "/auth/sessions/current"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/current"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/current"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.endSession": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example Zm9vYmFyYmF6cXV4cXV1eA */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item is deleted */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/sessions/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/sessions/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:session-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Session not found",
                     *       "instance": "/auth/sessions/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/sessions/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/sessions/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/sessions/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.listUsers": {
        parameters: {
            query?: {
                /** @description The number of items to skip */
                offset?: number;
                /** @description The maximum number of items */
                limit?: number;
                /** @description Only items after this cursor, which the `Link` of a page contains. With the same `sort`, and without `offset` and `ids` */
                after?: string;
                /** @description The order; `-` means descending. Null comes last, or first if descending */
                sort?: "id" | "-id";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Users, in the order of `sort` */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    /** @description The next page (RFC 8288). Absent: this page is the last */
                    link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.User"][];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/users/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.registerUser": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.UserCreate"];
            };
        };
        responses: {
            /** @description The new user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.NewUser"];
                };
            };
            /** @description The outcome is in a mail */
            202: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Accepted"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:registration-closed",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "An administrator creates the accounts of this server",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:email-taken",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "An account with this email exists",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:password-common",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The password is easy to guess: choose another one",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:hashes-busy",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "Too many passwords are being checked",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.updateUser": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                user_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.UserUpdate"];
            };
        };
        responses: {
            /** @description The user as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.User"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "User not found",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/users/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.readMe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.User"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/me"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/me"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "User not found",
                     *       "instance": "/auth/me"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/me"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/me"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.changePassword": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.PasswordChange"];
            };
        };
        responses: {
            /** @description The password is changed */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "This needs an access token of an account",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:password-wrong",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The old password is wrong",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "User not found",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:password-common",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The password is easy to guess: choose another one",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:hashes-busy",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "Too many passwords are being checked",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/me/password"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.resetPassword": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.PasswordReset"];
            };
        };
        responses: {
            /** @description The password is changed */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:password-reset-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "The link was used before, or is older than 30 minutes",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:password-common",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The password is easy to guess: choose another one",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:hashes-busy",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "Too many passwords are being checked",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.requestPasswordReset": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["auth.ResetRequest"];
            };
        };
        responses: {
            /** @description The outcome is in a mail */
            202: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "idempotent-replayed": components["headers"]["auth.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Accepted"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:mail-not-configured",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "This server sends no mail: ask an administrator for a new password",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/password-resets/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/password-resets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.readKeySet": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys: a JWK set (RFC 7517) */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.KeySet"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/.well-known/jwks.json"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/.well-known/jwks.json"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.readDiscovery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The configuration, as in OpenID Connect Discovery */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["auth.Discovery"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/.well-known/openid-configuration"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/.well-known/openid-configuration"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.readEvents": {
        parameters: {
            query?: {
                /** @description The id of the last event that was read. Absent: from the oldest event */
                after?: string;
                /** @description The maximum number of events */
                limit?: number;
                /** @description The maximum time to wait for an event, in ms */
                timeout?: number;
                /** @description Only events of these types, separated by commas. The parameter may also be repeated */
                types?: "session.ended"[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events in the order of the feed. An empty list: there is no later event yet */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "x-feed-newest": components["headers"]["auth.x-feed-newest"];
                    [name: string]: unknown;
                };
                content: {
                    "application/cloudevents-batch+json": components["schemas"]["auth.SessionEndedEvent"][];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/auth/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "www-authenticate": components["headers"]["auth.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/auth/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The resource existed before, and is deleted */
            410: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:events-gone",
                     *       "title": "Gone",
                     *       "status": 410,
                     *       "detail": "Events after this position are deleted: retention is over",
                     *       "instance": "/auth/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/auth/events",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.readService": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The name of the service, and links to its documents */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "auth",
                     *       "docs": "/auth/docs",
                     *       "openapi": "/auth/openapi.json"
                     *     }
                     */
                    "application/json": {
                        name: string;
                        docs: string;
                        openapi: string;
                    };
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/auth/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.checkHealth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process responds */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "OK";
                    };
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/health"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "auth.checkReadiness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service can serve requests */
            200: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "OK",
                     *       "checks": {
                     *         "database": "OK"
                     *       },
                     *       "degraded": []
                     *     }
                     */
                    "application/json": {
                        status: "OK" | "failed";
                        checks: {
                            [key: string]: "OK" | "failed" | "unreachable" | "broken";
                        };
                        /** @description Unreachable peers: requests that need them get 503. Events that are parked, or late by more than a minute. `auth`: the issuer of tokens is away */
                        degraded: string[];
                    };
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/auth/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["auth.x-request-id"];
                    "retry-after": components["headers"]["auth.retry-after"];
                    allow: components["headers"]["auth.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/auth/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["auth.Problem"];
                };
            };
        };
    };
    "pet.listPets": {
        parameters: {
            query?: {
                /** @description The number of items to skip */
                offset?: number;
                /** @description The maximum number of items */
                limit?: number;
                /** @description Only items after this cursor, which the `Link` of a page contains. With the same `sort`, and without `offset` and `ids` */
                after?: string;
                /** @description The order; `-` means descending. Null comes last, or first if descending */
                sort?: "id" | "-id" | "name" | "-name" | "age" | "-age";
                /** @description Only items with this species */
                species?: string;
                /** @description Only items with this mood */
                mood?: string;
                /** @description Only items with these ids, without `offset` and `limit`; ids that do not exist are left out */
                ids?: number[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Pets, in the order of `sort` */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    /** @description The next page (RFC 8288). Absent: this page is the last */
                    link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"][];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.createPet": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["pet.PetCreate"];
            };
        };
        responses: {
            /** @description The new pet */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "idempotent-replayed": components["headers"]["pet.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.readPet": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pet */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.deletePet": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item is deleted */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.updatePet": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["pet.PetUpdate"];
            };
        };
        responses: {
            /** @description The pet as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.hydratePet": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pet as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "idempotent-replayed": components["headers"]["pet.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1/hydrate",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1/hydrate"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.feedPet": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pet as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "idempotent-replayed": components["headers"]["pet.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1/feed",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1/feed"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.treatPet": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pet as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "idempotent-replayed": components["headers"]["pet.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["pet.Pet"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:pet-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "Pet not found",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/pets/1/treat",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/pets/1/treat"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.readEvents": {
        parameters: {
            query?: {
                /** @description The id of the last event that was read. Absent: from the oldest event */
                after?: string;
                /** @description The maximum number of events */
                limit?: number;
                /** @description The maximum time to wait for an event, in ms */
                timeout?: number;
                /** @description Only events of these types, separated by commas. The parameter may also be repeated */
                types?: ("pet.created" | "pet.updated" | "pet.deleted")[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events in the order of the feed. An empty list: there is no later event yet */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "x-feed-newest": components["headers"]["pet.x-feed-newest"];
                    [name: string]: unknown;
                };
                content: {
                    "application/cloudevents-batch+json": (components["schemas"]["pet.PetCreatedEvent"] | components["schemas"]["pet.PetUpdatedEvent"] | components["schemas"]["pet.PetDeletedEvent"])[];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/pet/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "www-authenticate": components["headers"]["pet.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/pet/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The resource existed before, and is deleted */
            410: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:events-gone",
                     *       "title": "Gone",
                     *       "status": 410,
                     *       "detail": "Events after this position are deleted: retention is over",
                     *       "instance": "/pet/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/pet/events",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/events"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.readService": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The name of the service, and links to its documents */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "pet",
                     *       "docs": "/pet/docs",
                     *       "openapi": "/pet/openapi.json"
                     *     }
                     */
                    "application/json": {
                        name: string;
                        docs: string;
                        openapi: string;
                    };
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/pet/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.checkHealth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process responds */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "OK";
                    };
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/health"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "pet.checkReadiness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service can serve requests */
            200: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "OK",
                     *       "checks": {
                     *         "database": "OK"
                     *       },
                     *       "degraded": []
                     *     }
                     */
                    "application/json": {
                        status: "OK" | "failed";
                        checks: {
                            [key: string]: "OK" | "failed" | "unreachable" | "broken";
                        };
                        /** @description Unreachable peers: requests that need them get 503. Events that are parked, or late by more than a minute. `auth`: the issuer of tokens is away */
                        degraded: string[];
                    };
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/pet/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["pet.x-request-id"];
                    "retry-after": components["headers"]["pet.retry-after"];
                    allow: components["headers"]["pet.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/pet/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["pet.Problem"];
                };
            };
        };
    };
    "user.listUsers": {
        parameters: {
            query?: {
                /** @description The number of items to skip */
                offset?: number;
                /** @description The maximum number of items */
                limit?: number;
                /** @description Only items after this cursor, which the `Link` of a page contains. With the same `sort`, and without `offset` and `ids` */
                after?: string;
                /** @description The order; `-` means descending. Null comes last, or first if descending */
                sort?: "id" | "-id" | "name" | "-name";
                /** @description Only items with this name */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Users, in the order of `sort` */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    /** @description The next page (RFC 8288). Absent: this page is the last */
                    link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"][];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A service that this request needs sent no complete response in time. The outcome of a write is unknown */
            504: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway Timeout",
                     *       "status": 504,
                     *       "detail": "No complete response arrived in time",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.createUser": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["user.UserCreate"];
            };
        };
        responses: {
            /** @description The new user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "idempotent-replayed": components["headers"]["user.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "The request conflicts with the current state",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.readUser": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                user_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "user not found",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A service that this request needs sent no complete response in time. The outcome of a write is unknown */
            504: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway Timeout",
                     *       "status": 504,
                     *       "detail": "No complete response arrived in time",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.deleteUser": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                user_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item is deleted */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        ok: true;
                    };
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "user not found",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.updateUser": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                user_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["user.UserUpdate"];
            };
        };
        responses: {
            /** @description The user as it is now */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "user not found",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:too-many-pets",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "a user has at most 1000 pets",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Payload Too Large",
                     *       "status": 413,
                     *       "detail": "The body is too large",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The body is not JSON */
            415: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unsupported Media Type",
                     *       "status": 415,
                     *       "detail": "The body must be application/json in UTF-8",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A service that this request needs sent no complete response in time. The outcome of a write is unknown */
            504: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway Timeout",
                     *       "status": 504,
                     *       "detail": "No complete response arrived in time",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.adoptPet": {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send the request again: for 24 hours the same key and request have one effect and get the same response, with `idempotent-replayed: true`. A request that changed nothing is not kept: a retry runs again. A response over 8192 bytes, or older than the newest 20000 of the service, is not kept: a retry computes it again from the current state, without a second effect. The service keeps the newest 500000 keys. 1 to 255 visible ASCII characters in double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was used for a different request. 400: the key cannot be read */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 1 */
                user_id: number;
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user with its pets */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "idempotent-replayed": components["headers"]["user.idempotent-replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"];
                };
            };
            /** @description The request cannot be read */
            400: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Bad Request",
                     *       "status": 400,
                     *       "detail": "The request cannot be read",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "user not found",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A limit is reached, or the request conflicts with the current state */
            409: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:too-many-pets",
                     *       "title": "Conflict",
                     *       "status": 409,
                     *       "detail": "a user has at most 1000 pets",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/1/pets/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A service that this request needs sent no complete response in time. The outcome of a write is unknown */
            504: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway Timeout",
                     *       "status": 504,
                     *       "detail": "No complete response arrived in time",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.abandonPet": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                user_id: number;
                /** @example 1 */
                pet_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user with its pets */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["user.User"];
                };
            };
            /** @description The request needs a valid credential */
            401: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:credential-missing",
                     *       "title": "Unauthorized",
                     *       "status": 401,
                     *       "detail": "A credential is needed",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The credential does not permit this */
            403: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "www-authenticate": components["headers"]["user.www-authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:scope-missing",
                     *       "title": "Forbidden",
                     *       "status": 403,
                     *       "detail": "The credential lacks the scope",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The resource does not exist */
            404: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "urn:problem-type:user-not-found",
                     *       "title": "Not Found",
                     *       "status": 404,
                     *       "detail": "user not found",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The request does not match the contract */
            422: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Unprocessable Entity",
                     *       "status": 422,
                     *       "detail": "The request does not match the contract",
                     *       "instance": "/user/users/1/pets/1",
                     *       "errors": [
                     *         {
                     *           "in": "body",
                     *           "pointer": "/name",
                     *           "detail": "is missing"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description A service that this request needs sent no complete response in time. The outcome of a write is unknown */
            504: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Gateway Timeout",
                     *       "status": 504,
                     *       "detail": "No complete response arrived in time",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/users/1/pets/1"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.readService": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The name of the service, and links to its documents */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "user",
                     *       "docs": "/user/docs",
                     *       "openapi": "/user/openapi.json"
                     *     }
                     */
                    "application/json": {
                        name: string;
                        docs: string;
                        openapi: string;
                    };
                };
            };
            /** @description Too many requests from this address (RFC 6585) */
            429: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Too Many Requests",
                     *       "status": 429,
                     *       "detail": "Too many requests from this address",
                     *       "instance": "/user/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.checkHealth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process responds */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "OK";
                    };
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/health"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
    "user.checkReadiness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service can serve requests */
            200: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "OK",
                     *       "checks": {
                     *         "database": "OK"
                     *       },
                     *       "degraded": []
                     *     }
                     */
                    "application/json": {
                        status: "OK" | "failed";
                        checks: {
                            [key: string]: "OK" | "failed" | "unreachable" | "broken";
                        };
                        /** @description Unreachable peers: requests that need them get 503. Events that are parked, or late by more than a minute. `auth`: the issuer of tokens is away */
                        degraded: string[];
                    };
                };
            };
            /** @description The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later */
            503: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Service Unavailable",
                     *       "status": 503,
                     *       "detail": "The server is busy",
                     *       "instance": "/user/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    "x-request-id": components["headers"]["user.x-request-id"];
                    "retry-after": components["headers"]["user.retry-after"];
                    allow: components["headers"]["user.allow"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "about:blank",
                     *       "title": "Internal Server Error",
                     *       "status": 500,
                     *       "detail": "Internal Server Error",
                     *       "instance": "/user/ready"
                     *     }
                     */
                    "application/problem+json": components["schemas"]["user.Problem"];
                };
            };
        };
    };
}
