/*
 * Doubly linked lists with the links inside the objects, as in most kernels:
 * putting an object on a list never allocates. The head is a node of its own,
 * so that insertion and removal have no special case. Book: chapter 3, "Lists".
 */
#ifndef PAGE_LIST_H
#define PAGE_LIST_H

#include "lib/types.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Put @node right after @head: it becomes the first. */
static inline void list_add(struct list *head, struct list *node)
{
	struct list *next = head->next;

	node->next = next;
	node->prev = head;
	next->prev = node;
	head->next = node;
}

/* Put @node right before @head: it becomes the last. */
static inline void list_add_tail(struct list *head, struct list *node)
{
	list_add(head->prev, node);
}

/* Take @node off its list; where its own links lead means nothing then. */
static inline void list_unlink(struct list *node)
{
	struct list *next = node->next, *prev = node->prev;

	prev->next = next;
	next->prev = prev;
}

/* Take @node off its list and leave it pointing at itself. */
static inline void list_del(struct list *node)
{
	list_unlink(node);
	list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)

/* The first object of the list, or NULL when the list is empty. */
#define list_first(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_for_each(node, head)                              \
	for (struct list *node = (head)->next; node != (head); \
	     node = node->next)

/* As list_for_each, when the body may take @node off the list. */
#define list_for_each_safe(node, head)                                    \
	for (struct list *node = (head)->next, *node##_next = node->next; \
	     node != (head); node = node##_next, node##_next = node->next)

#endif
