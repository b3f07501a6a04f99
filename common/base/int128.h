/* int128: 128-bit integers, for sums that cannot overflow and products that must be exact. */
#ifndef QN_BASE_INT128_H
#define QN_BASE_INT128_H

__extension__ typedef __int128 qn_i128;
__extension__ typedef unsigned __int128 qn_u128;

#endif
