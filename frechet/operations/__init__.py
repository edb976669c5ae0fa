"""The mathematics: one file per family, one page per operation. This is the table of contents.

constants            numbers, variables, ones, zeros, eye, unit, commutation, π
transposition        transposes
sums                 sums with numeric coefficients
products             scaling and matrix products
hadamard             element-wise products and powers
cancellation         what cancels in them (no pages)
elementwise          exp, log, sin …, relu, sigmoid
complex_parts        conjugate, real and imaginary part
extrema              max and min of two, clip
special_functions    erf, gamma and their relatives
activations          silu, gelu, elu, huber … of neural networks
composite            names that stand for other operations (no pages of its own)
rowwise              max, min, prod, norm2, mean … of each row or column, cumsum
softmax              softmax, log-sum-exp
reductions           trace, sum, largest and smallest entry, mean, dot, outer
normalization        var, std, layer norm, batch norm, rmsnorm
norms                Euclidean and Frobenius norm, norm1, p-norms
determinant          det, logdet, adj
powers               whole powers of matrices, inverse, solve, pseudo-inverse
indexing             entries and slices
blocks               arrays of blocks
shaping              diag, vec, unvec, kron
matrix_functions     expm, logm, sqrtm, powm, sinm, cosm
functional_calculus  functions of symmetric matrices: funm, dfunm, trfun
frechet_derivatives  dexpm, dlogm, dsqrtm, dpowm, dsinm, dcosm
kronecker_forms      the matrices of Fréchet derivatives for vec
commuting            which matrices commute (no pages)
factorizations       cholesky, tril, triu, lowhalf, sym, skew
equations            sylvester, lyap
decompositions       qr, lu, ldl
least_squares        lstsq, ridge, projectors, the geometric mean
matrix_sign          signm
recomposing          Q*R, L*U, V*diag(λ)*V' as one matrix (no pages)
spectral             eigenvalues and eigenvectors of symmetric matrices, one at a time
spectra              all of them, sums of the largest, projectors
singular_values      singular values and vectors, the spectral norm
singular_spectra     all singular values and vectors, Ky Fan and Schatten norms, the condition number
nuclear              the nuclear norm, the polar factor
layers               losses, attention, dropout, embedding
convolution          conv1d and its adjoint
impossible           conditions that a declared structure rules out (no pages)
vech                 vech, the duplication and elimination matrices
toeplitz             the parts that are constant along diagonals: toeplitzpart, circulantpart, hankelpart
declared_functions   f: elementwise, phi: scalar function, x: 1 → n, with f', f'' …
declared_maps        F: n → m, g: n → 1, with Jacobian, gradient, Hessian
reshaping            the entries of an array in another shape
einsum               products of arrays summed over indices
networks             their normal form (no pages)
"""

from functools import cache

from frechet.expressions.operation import Operation, all_operations, register
from frechet.operations import (
    activations,
    blocks,
    complex_parts,
    constants,
    convolution,
    declared_functions,
    declared_maps,
    decompositions,
    determinant,
    einsum,
    elementwise,
    equations,
    extrema,
    factorizations,
    frechet_derivatives,
    functional_calculus,
    hadamard,
    indexing,
    kronecker_forms,
    layers,
    least_squares,
    matrix_functions,
    matrix_sign,
    normalization,
    norms,
    nuclear,
    powers,
    products,
    reductions,
    reshaping,
    rowwise,
    shaping,
    singular_spectra,
    singular_values,
    softmax,
    special_functions,
    spectra,
    spectral,
    sums,
    toeplitz,
    transposition,
    vech,
)

FAMILIES = (
    constants, transposition, sums, products, hadamard, elementwise, complex_parts, extrema, special_functions,
    activations, softmax, reductions, rowwise, norms, normalization, determinant, powers, shaping, indexing, blocks,
    matrix_functions, frechet_derivatives, functional_calculus, kronecker_forms, factorizations, equations, spectral,
    spectra, singular_values, nuclear, singular_spectra, decompositions, least_squares, matrix_sign, layers, convolution,
    toeplitz, vech, reshaping, einsum, declared_functions, declared_maps,
)  # fmt: skip
if not all_operations():
    register([page for family in FAMILIES for page in family.PAGES])


@cache
def typed_operations() -> dict[str, list[Operation]]:
    """The operations that may be typed as name(arguments), by name."""
    found: dict[str, list[Operation]] = {}
    for page in all_operations():
        if page.takes and (page.typed or page.typed_as):
            found.setdefault(page.typed_as or page.name, []).append(page)
    return found
