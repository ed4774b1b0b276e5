-- What makes a part, a page or a check cost what it holds, whatever else the book holds.

-- Parts and receipts go through the rows of a hand-over by their number, stretch by stretch.
create index handover_row_by_number on handover_row (handover_id, row_number);

-- The checks walk the columns of an authorisation, hardly anything its record: that lies apart.
alter table authorisation set (toast_tuple_target = 256);
