CREATE INDEX `pet_by_name` ON `pet` (`name`,`id`);--> statement-breakpoint
CREATE INDEX `pet_by_age` ON `pet` (`age`,`id`);