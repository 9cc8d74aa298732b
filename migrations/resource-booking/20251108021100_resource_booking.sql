-- Booking of vehicles, tours and guides: what there is, how much of it is free on which day, when there is none,
-- what visitors hold for half an hour, and what was sold. All of it is new, so nothing that exists is locked.

CREATE TABLE public.resource (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    type text NOT NULL,
    name text NOT NULL,
    description text,
    product_id text,
    is_active boolean NOT NULL DEFAULT true,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resource_pkey PRIMARY KEY (id),
    CONSTRAINT resource_type_check CHECK (type IN ('VEHICLE', 'TOUR', 'GUIDE'))
);

CREATE TABLE public.resource_capacity (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    resource_id uuid NOT NULL,
    date date NOT NULL,
    max_capacity integer NOT NULL,
    available_capacity integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resource_capacity_pkey PRIMARY KEY (id),
    CONSTRAINT uq_resource_date UNIQUE (resource_id, date),
    CONSTRAINT resource_capacity_max_check CHECK (max_capacity >= 0),
    -- What keeps a day from being sold twice: whoever takes more than is left violates it.
    CONSTRAINT resource_capacity_available_check
        CHECK (available_capacity >= 0 AND available_capacity <= max_capacity),
    CONSTRAINT resource_capacity_resource_fkey FOREIGN KEY (resource_id)
        REFERENCES public.resource (id) ON DELETE CASCADE
);

CREATE TABLE public.resource_blackout (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    resource_id uuid NOT NULL,
    start_date date NOT NULL,
    end_date date NOT NULL,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resource_blackout_pkey PRIMARY KEY (id),
    CONSTRAINT resource_blackout_dates_check CHECK (end_date >= start_date),
    CONSTRAINT resource_blackout_resource_fkey FOREIGN KEY (resource_id)
        REFERENCES public.resource (id) ON DELETE CASCADE
);

CREATE TABLE public.resource_hold (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    resource_id uuid NOT NULL,
    date date NOT NULL,
    quantity integer NOT NULL,
    customer_email text,
    idempotency_token text NOT NULL,
    status text NOT NULL DEFAULT 'ACTIVE',
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 minutes',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resource_hold_pkey PRIMARY KEY (id),
    -- The index behind a constraint has its name, so this is a unique constraint and one of the twelve indexes.
    CONSTRAINT idx_hold_idempotency UNIQUE (idempotency_token),
    CONSTRAINT resource_hold_quantity_check CHECK (quantity > 0),
    CONSTRAINT resource_hold_status_check CHECK (status IN ('ACTIVE', 'CONFIRMED', 'RELEASED', 'EXPIRED')),
    CONSTRAINT resource_hold_resource_fkey FOREIGN KEY (resource_id)
        REFERENCES public.resource (id) ON DELETE CASCADE
);

-- Without updated_at: what was sold is not changed, but cancelled by deleting it.
CREATE TABLE public.resource_allocation (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    resource_id uuid NOT NULL,
    date date NOT NULL,
    quantity integer NOT NULL,
    order_id text NOT NULL,
    line_item_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resource_allocation_pkey PRIMARY KEY (id),
    CONSTRAINT resource_allocation_quantity_check CHECK (quantity > 0),
    CONSTRAINT resource_allocation_resource_fkey FOREIGN KEY (resource_id)
        REFERENCES public.resource (id) ON DELETE CASCADE
);

COMMENT ON TABLE public.resource IS 'What can be booked: vehicles, tours and guides.';
COMMENT ON COLUMN public.resource.id IS 'Identifies the resource.';
COMMENT ON COLUMN public.resource.type IS 'VEHICLE, TOUR or GUIDE.';
COMMENT ON COLUMN public.resource.name IS 'Name as customers read it.';
COMMENT ON COLUMN public.resource.description IS 'What more there is to say of it.';
COMMENT ON COLUMN public.resource.product_id IS 'Product of the shop that sells it. Products are another module''s, so no key holds it.';
COMMENT ON COLUMN public.resource.is_active IS 'Whether it is offered; what is not remains for the sake of its orders.';
COMMENT ON COLUMN public.resource.metadata IS 'What only some resources have, such as the seats of a vehicle.';
COMMENT ON COLUMN public.resource.created_at IS 'When it was entered.';
COMMENT ON COLUMN public.resource.updated_at IS 'Time of the last change, kept by a trigger.';

COMMENT ON TABLE public.resource_capacity IS 'How much of a resource there is on a day, and how much of that is free.';
COMMENT ON COLUMN public.resource_capacity.id IS 'Identifies the row; the application finds it by resource and date.';
COMMENT ON COLUMN public.resource_capacity.resource_id IS 'Resource that is counted.';
COMMENT ON COLUMN public.resource_capacity.date IS 'Day that is counted, as it is where the resource is.';
COMMENT ON COLUMN public.resource_capacity.max_capacity IS 'How many there are on that day.';
COMMENT ON COLUMN public.resource_capacity.available_capacity IS
    'How many of them are neither held nor sold. Taken in the transaction of the hold, given back when it ends.';
COMMENT ON COLUMN public.resource_capacity.created_at IS 'When the day was opened for booking.';
COMMENT ON COLUMN public.resource_capacity.updated_at IS 'Time of the last change, kept by a trigger.';

COMMENT ON TABLE public.resource_blackout IS 'Days on which a resource cannot be booked, whatever its capacity.';
COMMENT ON COLUMN public.resource_blackout.id IS 'Identifies the period.';
COMMENT ON COLUMN public.resource_blackout.resource_id IS 'Resource that is away.';
COMMENT ON COLUMN public.resource_blackout.start_date IS 'First day of the period.';
COMMENT ON COLUMN public.resource_blackout.end_date IS 'Last day of the period, itself included.';
COMMENT ON COLUMN public.resource_blackout.reason IS 'Why, for the staff.';
COMMENT ON COLUMN public.resource_blackout.created_at IS 'When the period was entered.';
COMMENT ON COLUMN public.resource_blackout.updated_at IS 'Time of the last change, kept by a trigger.';

COMMENT ON TABLE public.resource_hold IS 'What a customer holds while paying, for half an hour.';
COMMENT ON COLUMN public.resource_hold.id IS 'Identifies the hold.';
COMMENT ON COLUMN public.resource_hold.resource_id IS 'Resource that is held.';
COMMENT ON COLUMN public.resource_hold.date IS 'Day for which it is held.';
COMMENT ON COLUMN public.resource_hold.quantity IS 'How many are held.';
COMMENT ON COLUMN public.resource_hold.customer_email IS 'Address of the customer; null until the cart knows it.';
COMMENT ON COLUMN public.resource_hold.idempotency_token IS
    'Chosen by the caller, so that a request that is sent twice holds once.';
COMMENT ON COLUMN public.resource_hold.status IS 'ACTIVE until it is paid (CONFIRMED), given back (RELEASED) or too old (EXPIRED).';
COMMENT ON COLUMN public.resource_hold.expires_at IS 'When an active hold ends: thirty minutes after it was made.';
COMMENT ON COLUMN public.resource_hold.created_at IS 'When the hold was made.';
COMMENT ON COLUMN public.resource_hold.updated_at IS 'Time of the last change, kept by a trigger.';

COMMENT ON TABLE public.resource_allocation IS 'What was sold, and by which line of which order.';
COMMENT ON COLUMN public.resource_allocation.id IS 'Identifies the booking.';
COMMENT ON COLUMN public.resource_allocation.resource_id IS 'Resource that was sold.';
COMMENT ON COLUMN public.resource_allocation.date IS 'Day for which it was sold.';
COMMENT ON COLUMN public.resource_allocation.quantity IS 'How many were sold.';
COMMENT ON COLUMN public.resource_allocation.order_id IS 'Order of the shop. Orders are another module''s, so no key holds it.';
COMMENT ON COLUMN public.resource_allocation.line_item_id IS 'Line of that order.';
COMMENT ON COLUMN public.resource_allocation.created_at IS 'When it was sold.';

-- The twelve indexes: eleven here, idx_hold_idempotency above. The tables are empty, so none needs CONCURRENTLY.
CREATE INDEX idx_resource_type ON public.resource (type);
-- By name, because an index on a flag that is nearly always true finds nothing faster than the table itself.
CREATE INDEX idx_resource_active ON public.resource (name) WHERE is_active;

CREATE INDEX idx_capacity_date ON public.resource_capacity (date);
-- uq_resource_date is an index on the same two columns already; this one holds only days that can still be booked.
CREATE INDEX idx_capacity_resource_date ON public.resource_capacity (resource_id, date) WHERE available_capacity > 0;

CREATE INDEX idx_blackout_resource_dates ON public.resource_blackout (resource_id, start_date, end_date);

CREATE INDEX idx_hold_resource_date_status ON public.resource_hold (resource_id, date, status);
CREATE INDEX idx_hold_expires ON public.resource_hold (expires_at) WHERE status = 'ACTIVE';
CREATE INDEX idx_hold_customer ON public.resource_hold (customer_email);

CREATE INDEX idx_allocation_resource_date ON public.resource_allocation (resource_id, date);
CREATE INDEX idx_allocation_order ON public.resource_allocation (order_id);
CREATE INDEX idx_allocation_line_item ON public.resource_allocation (line_item_id);

COMMENT ON INDEX public.idx_capacity_resource_date IS 'Days of a resource that can still be booked.';
COMMENT ON INDEX public.idx_hold_idempotency IS 'Refuses the second hold of a request that is sent twice.';
COMMENT ON INDEX public.idx_hold_expires IS 'Finds holds that nobody paid in time.';

-- Without OR REPLACE: many databases have a function of this name, and it may be somebody else's.
CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.update_updated_at_column() IS 'Stamps a changed row; shared by the tables that have updated_at.';

CREATE TRIGGER resource_updated_at BEFORE UPDATE ON public.resource
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER resource_capacity_updated_at BEFORE UPDATE ON public.resource_capacity
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER resource_blackout_updated_at BEFORE UPDATE ON public.resource_blackout
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER resource_hold_updated_at BEFORE UPDATE ON public.resource_hold
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
