#include "loops.h"

hr_loops hr_loops_for(hr_instruction_set set) {
#if defined(__x86_64__)
  switch (set) {
    case HR_AVX2: return hr_loops_avx2();
    case HR_AVX_VNNI: return hr_loops_avxvnni();
    case HR_AVX512: return hr_loops_avx512();
    case HR_AVX512_VNNI: return hr_loops_avx512vnni();
    case HR_AVX512_BF16: return hr_loops_avx512bf16();
  }
#endif
  (void)set;
  return (hr_loops){0};
}
