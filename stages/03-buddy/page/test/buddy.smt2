; The arithmetic of page/buddy.h as a theorem about 64-bit numbers: `z3 FILE`
; looks for a block that breaks a claim, and "unsat" means that there is none.
; buddy_test.c tries the compiled functions with every number below 2^20; this
; covers all others too. What is proved is the formulas as written here; that
; page.c applies them to the right blocks, the checker and the model have to say.

(set-logic QF_BV)
(define-sort Number () (_ BitVec 64))
(define-const zero Number #x0000000000000000)
(define-const one Number #x0000000000000001)
(define-const highest Number #x000000000000000c)
(define-fun power ((order Number)) Number (bvshl one order))

; Can a block of this order begin at i? Its low bits are zero then.
(define-fun aligned ((i Number) (order Number)) Bool
	(= (bvand i (bvsub (power order) one)) zero))
(define-fun buddy-of ((i Number) (order Number)) Number
	(bvxor i (power order)))
(define-fun whole-of ((i Number) (buddy Number)) Number
	(bvand i buddy))

; Some block of an order that can merge.
(declare-const i Number)
(declare-const order Number)
(assert (bvult order highest))
(assert (aligned i order))
(define-fun buddy () Number (buddy-of i order))
(define-fun whole () Number (whole-of i buddy))

(echo "the buddy is a block of the same order")
(push)
(assert (not (aligned buddy order)))
(check-sat)
(pop)

(echo "the buddy of the buddy is the block itself")
(push)
(assert (not (= (buddy-of buddy order) i)))
(check-sat)
(pop)

(echo "both lie in the same 4096 pages, so the buddy is in the array")
(push)
(assert (not (= (bvlshr i highest) (bvlshr buddy highest))))
(check-sat)
(pop)

(echo "together they are one block of the next order")
(push)
(assert (not (aligned whole (bvadd order one))))
(check-sat)
(pop)

(echo "of which one is the lower and the other the upper half")
(push)
(assert (not (or
	(and (= i whole) (= buddy (bvadd whole (power order))))
	(and (= buddy whole) (= i (bvadd whole (power order)))))))
(check-sat)
(pop)

; Some larger block, to be split: its halves, the halves of these, and so on.
(declare-const from Number)
(assert (bvule from highest))
(assert (bvult order from))
(assert (aligned i from))

(echo "an upper half is a block of its order, and the buddy of the lower")
(push)
(define-fun upper () Number (bvadd i (power order)))
(assert (not (and (aligned upper order) (= upper buddy))))
(check-sat)
(pop)

(echo "it ends where the next larger upper half begins")
(push)
(assert (not (= (bvadd (bvadd i (power order)) (power order))
		(bvadd i (power (bvadd order one))))))
(check-sat)
(pop)

; If the claims followed from a contradiction above, this would say unsat, too.
(echo "such blocks exist")
(check-sat)
