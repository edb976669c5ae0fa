"""Factorizations by LAPACK and what is computed from them, and other functions of whole arrays."""

from __future__ import annotations

from frechet.compilation.decompositions import guarded
from frechet.compilation.emitting.memory import TINY, Memory
from frechet.compilation.values import Value

FEW_ROWS = 16  # of a matrix that is inverted by solving, in one call and not four
MIRRORED = 500  # rows, from which on `mirrored` leaves a matrix column by column


class Matrices(Memory):
    """Steps that factorize, solve and invert."""

    def _cholesky(self, v: Value) -> None:
        a = v.args[0]
        name = self.fresh("c")
        over = self.over(a)
        clean = 1 if v in self.inverted else 0  # zeros below the factor, for `mirrored`
        self.line(f"{name}, info = {self.call('potrf', a)}({self._hermitian(a)}, 0, {clean}, {over})")
        self._check_definite(v)
        self.text[v] = name

    def _hermitian(self, a: Value) -> str:
        """A Hermitian matrix as LAPACK takes it without a copy: of a symmetric one rows are columns."""
        plain = a in self.fortran or not a.real
        return self.text[a] if plain else self.turned(self.text[a], (0, 1), (1, 0))

    def _check_definite(self, f: Value) -> None:
        a, (tried,) = f.args[0], f.params
        self.line("if info:")
        if tried:
            self.tries = True
            self.line(f"    return {self.otherwise}")
        else:
            why = "is not positive definite: the Cholesky factorization fails"
            self.line(f'    raise np.linalg.LinAlgError("{self.said(a)} {why}")')

    def _lu(self, v: Value) -> None:
        a = v.args[0]
        name = self.fresh("lu")
        over = self.over(a)
        text = self.text[a] if a in self.fortran else self.turned(self.text[a], (0, 1), (1, 0))
        self.line(f"{name}, p{name}, i{name} = {self.call('getrf', a)}({text}, {over})")
        self.text[v] = name

    def _solve(self, v: Value) -> None:
        f, t = v.args
        axis, turned = v.params
        text = self.text[t]
        if len(t.shape) == 2 and axis == 1:
            text = self.turned(text, (0, 1), (1, 0))
        over = self.over(t)
        name = self.fresh()
        if f in self.accumulated:
            self._solve_in_one_call(v, name, text, over)
        elif f.op == "cholesky":
            if turned and not f.real:  # the transpose of a Hermitian matrix is its conjugate
                text = f"np.conjugate({text})"
            self.line(f"{name} = {self.call('potrs', f, t)}({self.text[f]}, {text}, 0, {over})[0]")
            if turned and not f.real:
                self.line(f"np.conjugate({name}, {name})")
        else:
            self._check_singular(f)
            direct = f.args[0] in self.fortran
            mode = 1 if turned == direct else 0
            self.line(f"{name} = {self.call('getrs', f, t)}({self.text[f]}, p{self.text[f]}, {text}, {mode}, {over})[0]")
        self.text[v] = name if len(t.shape) == 1 or axis == 0 else f"{name}.T"
        if len(t.shape) == 2:
            self.columns.add(name)
            if axis == 0:
                self.fortran.add(v)
        self.owned.add(name)

    def is_one_call(self, v: Value) -> bool:
        """Can a matrix be factorized and solved with in one call that makes no large copy of it?"""
        f, a = v.args[0], v.args[0].args[0]
        if f.op == "cholesky" or a.symmetric:
            return a.real
        return self.rates.size(a.shape[0]) <= FEW_ROWS

    def _solve_in_one_call(self, v: Value, name: str, right: str, over: int) -> None:
        f, t = v.args
        a = f.args[0]
        own = self.over(a)
        if f.op == "cholesky":
            self.line(f"_, {name}, info = {self.call('posv', a, t)}({self._hermitian(a)}, {right}, 0, {own}, {over})")
            self._check_definite(f)
            return
        turned = v.params[1] and not a.symmetric
        matrix = self.turned(self.text[a], (0, 1), (1, 0)) if turned else self._hermitian(a) if a.symmetric else self.text[a]
        self.line(f"_, _, {name}, info = {self.call('gesv', a, t)}({matrix}, {right}, {own}, {over})")
        self.line("if info:")
        self._raise_singular(a)

    def _check_singular(self, f: Value) -> None:
        if f not in self.checked:
            self.checked.add(f)
            self.line(f"if i{self.text[f]}:")
            self._raise_singular(f.args[0])

    def _raise_singular(self, a: Value) -> None:
        self.line(f'    raise np.linalg.LinAlgError("{self.said(a)} is singular: it has no inverse")')

    def _inverse(self, v: Value) -> None:
        f = v.args[0]
        name = self.fresh()
        last = 1 if self.left[f] == 1 else 0
        rows = self.rates.size(v.shape[0])
        if f.op == "cholesky" and rows <= FEW_ROWS and v.real:
            self.line(f"{name} = {self.call('potrs', f)}({self.text[f]}, identity({v.shape[0]}), 0, 0)[0]")
            self.text[v] = name
        elif f.op == "cholesky":
            self.line(f"{name} = mirrored({self.call('potri', f)}({self.text[f]}, 0, {last})[0])")
            self.text[v] = name
        else:
            self._check_singular(f)
            n = f"64 * len({self.text[f]})"
            self.line(f"{name} = {self.call('getri', f)}({self.text[f]}, p{self.text[f]}, {n}, {last})[0]")
            self.text[v] = name if f.args[0] in self.fortran else f"{name}.T"
            if f.args[0] in self.fortran:
                self.fortran.add(v)
        if f.op == "lu" or not FEW_ROWS < rows < MIRRORED:
            self.columns.add(name)
        self.owned.add(name)

    def _resolvent(self, v: Value) -> None:
        self.assign(v, f"resolvent({', '.join(self.text[a] for a in v.args)})")
        if self.text[v.args[0]] in self.columns:  # it lies as the inverse does
            self.columns.add(self.text[v])

    def _logdet(self, v: Value) -> None:
        f = v.args[0]
        d = f"{self.text[f]}.diagonal()"
        if f.op == "cholesky":
            real = "" if f.real else ".real"
            logs = f"np.log({d}{real})"
            few = self.entries(f) <= TINY
            total = f"{logs}.dot({self.ones(f'len({self.text[f]})')})" if few else f"np.add.reduce({logs})"
            self.assign(v, f"2.0 * {total}")
        else:
            hermitian = ", hermitian=True" if v.real and not f.real else ""
            self.assign(v, f"logdet_of_factors({d}, p{self.text[f]}{hermitian})")

    def _det(self, v: Value) -> None:
        f = v.args[0]
        d = f"{self.text[f]}.diagonal()"
        real = ".real" if v.real and not f.real else ""
        if f.op == "cholesky":
            self.assign(v, f"np.multiply.reduce({d}{real}) ** 2")
        else:
            self.assign(v, f"det_of_factors({d}, p{self.text[f]}){real}")

    def _norm2(self, v: Value) -> None:
        self.assign(v, f"euclidean({self.text[v.args[0]]})")

    def _extreme(self, v: Value) -> None:
        name, of_rows = v.params
        x = v.args[0]
        where = ", 1" if of_rows else ", None" if len(x.shape) > 1 else ""
        if name == "top":
            least = "-3.4028234663852886e38" if self.single else "-1.7976931348623157e308"
            self.assign(v, f"np.maximum.reduce({self.text[x]}{where}, initial={least})")
        else:
            self.assign(v, f"np.{name}imum.reduce({self.text[x]}{where})")

    def _cumsum(self, v: Value) -> None:
        axis, backwards = v.params
        text = self.text[v.args[0]]
        self.assign(v, f"cumsum_from_end({text}, {axis})" if backwards else f"{text}.cumsum({axis})")

    def _reshape(self, v: Value) -> None:
        a = v.args[0]
        text = f"{self.text[a]}.reshape({self.shape(v.shape) if len(v.shape) > 1 else '-1'})"
        base = self.text[a].removesuffix(".T")
        self.assign(v, text, base in self.owned and self.left[a] == 1)  # nobody else sees the entries
        self.owned.discard(base)

    def decomposition(self, text: str) -> str:
        return guarded(text)

    def _page(self, v: Value) -> None:
        (node,) = v.params
        text = self.by_parts(v, node.op.numpy(node, [self.text[a] for a in v.args]))
        own = node.op.name == "blocks"
        self.assign(v, self.in_precision(v, guarded(text)), own)
        if not own:  # perhaps a view, such as np.diag(X)
            self.owned.difference_update(self.text[a].removesuffix(".T") for a in v.args)
