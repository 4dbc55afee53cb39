CREATE INDEX "pet_by_name" ON "pet" USING btree ("name","id");--> statement-breakpoint
CREATE INDEX "pet_by_age" ON "pet" USING btree ("age","id");