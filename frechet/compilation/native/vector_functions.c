/* Functions of several entries at once, which glibc has beside those of one: loops take them where they are declared so.
   Within 4 units in the last place, as those of NumPy. */

#if defined(__GLIBC__) && defined(__x86_64__) && !defined(__clang__)
#define VECTORIZED(...) _Pragma("omp declare simd notinbranch") extern T F(__VA_ARGS__)
#if __GLIBC_PREREQ(2, 22)
VECTORIZED(exp)(T);
VECTORIZED(log)(T);
VECTORIZED(pow)(T, T);
VECTORIZED(sin)(T);
VECTORIZED(cos)(T);
#endif
#if __GLIBC_PREREQ(2, 35)
#define HAS_VECTOR_FUNCTIONS
VECTORIZED(log1p)(T);
VECTORIZED(expm1)(T);
VECTORIZED(tan)(T);
VECTORIZED(asin)(T);
VECTORIZED(acos)(T);
VECTORIZED(atan)(T);
VECTORIZED(sinh)(T);
VECTORIZED(cosh)(T);
VECTORIZED(tanh)(T);
VECTORIZED(asinh)(T);
VECTORIZED(acosh)(T);
VECTORIZED(atanh)(T);
VECTORIZED(erf)(T);
VECTORIZED(erfc)(T);
#endif
#endif
