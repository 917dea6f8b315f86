# count.awk - how many checks a suite's output says passed and failed.
# Understands cmocka, pytest and `ok NAME` / `not ok NAME`; a skipped check
# counts as failed, because it proved nothing.  Prints "PASSED FAILED".
function sum(text, word,    m) {
	return match(text, "[0-9]+ " word) ? substr(text, RSTART) + 0 : 0
}
{ sub(/\r$/, ""); gsub(/\033\[[0-9;]*m/, "") }
/^\[  PASSED  \] [0-9]+ test/	{ passed += $4 }
/^\[  FAILED  \] [0-9]+ test/	{ failed += $4 }
/^\[  SKIPPED \] [0-9]+ test/	{ failed += $4 }
/^(=+ )?([0-9]+ (passed|failed|errors?|skipped|xfailed|xpassed|deselected|warnings?),? )+in [0-9.]+s/ {
	passed += sum($0, "passed")
	failed += sum($0, "failed") + sum($0, "error") + sum($0, "skipped") \
	    + sum($0, "xfailed") + sum($0, "xpassed")
}
/^ok /		{ passed++ }
/^not ok /	{ failed++ }
END { print passed + 0, failed + 0 }
