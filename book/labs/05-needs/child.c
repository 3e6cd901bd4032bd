/*
 * svm_need(), asked about CPUs that the judge makes up.
 */
#include "judge.h"

#include "svm/caps.h"

/* needs SVM VM_CR_VALID VM_CR FEATURES ASIDS: name|problem|moot, ... */
static void needs(void)
{
	const struct svm_caps caps = {
		.amd = true,
		.svm = number(1),
		.vm_cr_valid = number(2),
		.vm_cr = number(3),
		.features = number(4),
		.asids = number(5),
	};
	struct need need;
	const char *why = NULL;
	int error;

	for (uint i = 0; i < 20; i++) {
		need = (struct need){"?", "?", false};
		if (!svm_need(&caps, i, &need))
			break;
		answer("%s|", need.name ? need.name : "");
		answer("%s|%d;;", need.problem ? need.problem : "", need.moot);
	}
	error = svm_check_caps(&caps, &why);
	answer("%d|%s", error, why ? why : "");
}

const struct judge_command judge_commands[] = {
	{"needs", needs},
	{},
};
