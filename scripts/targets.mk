# Targets beyond building: tests, checks, installation.

unit: $(UNIT_BIN)

clean:
	rm -rf $(BUILD)
