/*
 * Host tests of page/list.h.
 */
#include "host.h"
#include "page/list.h"

#define ITEMS 16

struct item {
	int number;
	struct list link;
};

/* Does the list have exactly the items @expected, @n of them, both ways? */
static void assert_list(struct list *head, const int *expected, int n)
{
	struct list *node = head;

	for (int i = 0; i < n; i++) {
		node = node->next;
		assert_ptr_not_equal(node, head);
		assert_ptr_equal(node->next->prev, node);
		assert_int_equal(list_entry(node, struct item, link)->number,
				 expected[i]);
	}
	assert_ptr_equal(node->next, head);
	assert_ptr_equal(head->prev, node);
}

static void a_new_list_is_empty(void **state)
{
	struct list head;

	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_first(&head, struct item, link));
	assert_list(&head, NULL, 0);
}

static void list_add_puts_in_front_and_list_add_tail_at_the_end(void **state)
{
	struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
	struct list head;

	list_init(&head);
	list_add(&head, &a.link);
	list_add(&head, &b.link);
	list_add_tail(&head, &c.link);
	assert_list(&head, (int[]){2, 1, 3}, 3);
	assert_int_equal(list_first(&head, struct item, link)->number, 2);
	assert_false(list_empty(&head));
}

static void a_node_can_be_inserted_after_another(void **state)
{
	struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
	struct list head;

	list_init(&head);
	list_add(&head, &a.link);
	list_add_tail(&head, &b.link);
	list_add(&a.link, &c.link);
	assert_list(&head, (int[]){1, 3, 2}, 3);
}

static void a_deleted_node_may_be_deleted_again(void **state)
{
	struct item a = {1, {0}}, b = {2, {0}};
	struct list head;

	list_init(&head);
	list_add_tail(&head, &a.link);
	list_add_tail(&head, &b.link);
	list_del(&a.link);
	assert_true(list_empty(&a.link));
	list_del(&a.link);
	assert_list(&head, (int[]){2}, 1);
	list_del(&b.link);
	assert_true(list_empty(&head));
}

static void the_safe_loop_allows_the_body_to_delete_the_node(void **state)
{
	struct item items[ITEMS];
	int odd[ITEMS / 2], seen = 0;
	struct list head;

	list_init(&head);
	for (int i = 0; i < ITEMS; i++) {
		items[i].number = i;
		list_add_tail(&head, &items[i].link);
		if (i % 2)
			odd[i / 2] = i;
	}
	list_for_each_safe (node, &head) {
		struct item *item = list_entry(node, struct item, link);

		assert_int_equal(item->number, seen++);
		if (item->number % 2 == 0) {
			list_del(node);
			memset(item, 0xff, sizeof(*item));
		}
	}
	assert_int_equal(seen, ITEMS);
	assert_list(&head, odd, ITEMS / 2);
}

/* A random walk beside a plain array that says what the list should be. */
static void random_operations_agree_with_an_array(void **state)
{
	struct item items[ITEMS];
	int order[ITEMS], n = 0;
	struct list head;

	list_init(&head);
	for (int i = 0; i < ITEMS; i++) {
		items[i].number = i;
		list_init(&items[i].link);
	}
	for (u64 i = host_operations(100000); i; i--) {
		int number = host_random(ITEMS), at = 0;

		while (at < n && order[at] != number)
			at++;
		if (at < n) {
			list_del(&items[number].link);
			memmove(order + at, order + at + 1,
				(--n - at) * sizeof(int));
		} else if (host_random(2)) {
			list_add_tail(&head, &items[number].link);
			order[n++] = number;
		} else {
			list_add(&head, &items[number].link);
			memmove(order + 1, order, n++ * sizeof(int));
			order[0] = number;
		}
		assert_list(&head, order, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_list_is_empty),
		cmocka_unit_test(
			list_add_puts_in_front_and_list_add_tail_at_the_end),
		cmocka_unit_test(a_node_can_be_inserted_after_another),
		cmocka_unit_test(a_deleted_node_may_be_deleted_again),
		cmocka_unit_test(
			the_safe_loop_allows_the_body_to_delete_the_node),
		cmocka_unit_test(random_operations_agree_with_an_array),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
