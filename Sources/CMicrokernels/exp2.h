#ifndef HR_EXP2_H
#define HR_EXP2_H

// 2^f = 1 + f · (c1 + f · (c2 + …)) for |f| ≤ ½: the polynomial of the least relative error, 2⁻²⁸·⁹.
#define HR_EXP2_C1 0x1.62e43p-1f
#define HR_EXP2_C2 0x1.ebfbdcp-3f
#define HR_EXP2_C3 0x1.c6aee8p-5f
#define HR_EXP2_C4 0x1.3b2d4cp-7f
#define HR_EXP2_C5 0x1.5f3e52p-10f
#define HR_EXP2_C6 0x1.41fbbcp-13f

#endif
