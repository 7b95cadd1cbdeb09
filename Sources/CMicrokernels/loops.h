#ifndef HR_LOOPS_H
#define HR_LOOPS_H

#include "CMicrokernels.h"

// Each set's table, from the file of that set.
hr_loops hr_loops_avx2(void);
hr_loops hr_loops_avxvnni(void);
hr_loops hr_loops_avx512(void);
hr_loops hr_loops_avx512vnni(void);
hr_loops hr_loops_avx512bf16(void);

#endif
