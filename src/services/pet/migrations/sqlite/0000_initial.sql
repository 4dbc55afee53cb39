CREATE TABLE `pet` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`species` text NOT NULL,
	`age` integer,
	`mood` text NOT NULL,
	`last_fed` integer NOT NULL,
	`last_interaction` integer NOT NULL
);
