CREATE TABLE `account` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`email` text NOT NULL,
	`password_hash` text NOT NULL,
	`scopes` text NOT NULL,
	`is_blocked` integer NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `account_email` ON `account` (`email`);--> statement-breakpoint
CREATE TABLE `attempt` (
	`key` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`since_ms` integer NOT NULL,
	`blocked_ms` integer NOT NULL,
	`trusted_ms` integer NOT NULL,
	`expires_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `attempt_expiry` ON `attempt` (`expires_ms`);--> statement-breakpoint
CREATE TABLE `mail` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`email` text NOT NULL,
	`tries` integer NOT NULL,
	`due_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `mail_due` ON `mail` (`due_ms`);--> statement-breakpoint
CREATE UNIQUE INDEX `mail_kind_email` ON `mail` (`kind`,`email`);--> statement-breakpoint
CREATE TABLE `password_reset` (
	`hash` text PRIMARY KEY NOT NULL,
	`account_id` integer NOT NULL,
	`ends_ms` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `account`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `password_reset_of_account` ON `password_reset` (`account_id`);--> statement-breakpoint
CREATE TABLE `session` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` integer NOT NULL,
	`counter` integer NOT NULL,
	`secret` text NOT NULL,
	`key_hash` text,
	`agent` text NOT NULL,
	`created_at` integer NOT NULL,
	`rotated_ms` integer NOT NULL,
	`ends_ms` integer NOT NULL,
	`idle_ends_ms` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `account`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `session_of_account` ON `session` (`account_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `session_end` ON `session` (`idle_ends_ms`);--> statement-breakpoint
CREATE TABLE `signing_key` (
	`kid` text PRIMARY KEY NOT NULL,
	`role` text,
	`private_key` text NOT NULL,
	`public_key` text NOT NULL,
	`created_ms` integer NOT NULL,
	`ends_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signing_key_role` ON `signing_key` (`role`);